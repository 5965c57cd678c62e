// Sends plain mails through a mail server (SMTP), one connection each.
import { createTransport } from 'nodemailer';
import { Fault } from '../errors/fault.ts';

export interface SmtpSettings {
  /** `smtp://user:secret@host:port` or `smtps://…`; smtp turns to TLS where the server offers it. */
  readonly url: string;
  readonly from: string;
}

export interface PlainMail {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** How long the server may take for each of its answers, in milliseconds. */
const patience = 20_000;

/** Codes of 500 and above will be the same the next time (RFC 5321 §4.2.1). */
const isPermanent = (error: unknown): boolean =>
  error instanceof Error &&
  'responseCode' in error &&
  typeof error.responseCode === 'number' &&
  error.responseCode >= 500;

/**
 * A function that resolves when the server has taken the mail. It rejects with a `mail.refused` that is marked as
 * permanent where the server never will take it, and with the error as it is where it may be tried again.
 */
export function smtpSender({ url, from }: SmtpSettings): (mail: PlainMail) => Promise<void> {
  const transport = createTransport({
    url,
    connectionTimeout: patience,
    greetingTimeout: patience,
    socketTimeout: patience,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async ({ to, subject, text }) => {
    try {
      await transport.sendMail({
        from: { name: '', address: from },
        to: { name: '', address: to },
        subject,
        text,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    } catch (error) {
      if (!isPermanent(error)) throw error;
      const refused = new Fault('mail.refused', `The mail server takes no mail for ${to}`, { cause: error });
      throw Object.assign(refused, { permanent: true });
    }
  };
}
