// Addresses that hold a password, as they may be shown: in a listing of the settings, and nowhere else.

/** The text with every password in it replaced: that before the host, and those among the parameters. */
export function withoutSecrets(address: string): string {
  return address
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@/?#]*):.*@/isu, '$1:***@')
    .replaceAll(/([?&][^=&]*(?:pass|secret|key|token)[^=&]*=)[^&]*/giu, '$1***');
}
