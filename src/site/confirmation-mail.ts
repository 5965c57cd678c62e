// E-mail confirmation as the configuration says: whose uploads wait, and who carries the mails while the server runs.
import { type Config } from '../config/settings.ts';
import { Fault } from '../errors/fault.ts';
import { smtpSender } from '../mail/smtp.ts';
import { sendDue } from '../registry/confirm/outbox.ts';
import { startPostman, type Postman } from '../registry/confirm/postman.ts';
import { type SubmitRules } from '../registry/submit.ts';
import { type SiteRegistry } from './registry.ts';

type MailConfig = Pick<Config, 'confirm' | 'confirm-hours' | 'endorser-limit' | 'smtp-url' | 'mail-from'>;

/** How often the outbox is looked at for mails that are to be tried again, in milliseconds. */
const lookMs = 15_000;

/** Throws `config.invalid` where mails are to be sent and it is not said how. */
export function uploadRules(config: MailConfig): SubmitRules {
  const { confirm, 'endorser-limit': endorserLimit, 'confirm-hours': hours } = config;
  if (confirm === 'off') return { endorserLimit };
  for (const name of ['smtp-url', 'mail-from'] as const) {
    if (config[name] !== undefined) continue;
    throw new Fault('config.invalid', `--confirm ${confirm} needs --${name}`, {
      action: `Set --${name}, or leave --confirm off.`,
    });
  }
  return { endorserLimit, confirmation: { mode: confirm, hours } };
}

export interface MailDeps {
  readonly site: Pick<SiteRegistry, 'db' | 'verify' | 'registry'>;
  readonly now: () => Date;
  readonly randomness: (bytes: number) => Buffer;
  /** Address of the pages, once it is known. */
  readonly origin: () => string;
  readonly problem: (error: unknown) => void;
}

/** Carries the mails of a server whose configuration has a mail server; undefined where it has none. */
export function openMail(config: MailConfig, deps: MailDeps): Postman | undefined {
  const { 'smtp-url': url, 'mail-from': from } = config;
  if (url === undefined || from === undefined) return undefined;
  const { site, now, randomness, origin, problem } = deps;
  const send = smtpSender({ url, from });
  return startPostman({
    confirmations: site.registry.confirmations,
    sendDue: () => {
      const link = (token: string) => new URL(`/confirmations?token=${token}`, origin()).href;
      const { db, verify } = site;
      return sendDue({ db, verify, now, randomness, send, link, site: new URL(origin()).host });
    },
    problem,
    interval: lookMs,
  });
}
