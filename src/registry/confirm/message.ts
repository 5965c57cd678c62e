// The mail that asks an endorser to confirm: plain text, with nothing in it that the sender of a document could shape into more.

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface ConfirmationMail {
  readonly site: string;
  readonly email: string;
  readonly title: string | undefined;
  readonly identifier: string;
  readonly subject: string;
  readonly fingerprint: string;
  readonly link: string;
  readonly expiresAt: string;
}

/** One line, without control characters or characters that change the direction of writing, and not long. */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, 120);
}

export function confirmationMail(about: ConfirmationMail): Mail {
  const { site, email, title, identifier, subject, fingerprint, link, expiresAt } = about;
  return {
    to: email,
    subject: `Confirm your endorsement at ${site}`,
    text: [
      `Somebody has uploaded a document to ${site} that endorses an image in your name.`,
      'It is not published until you confirm that it is yours:',
      '',
      `    ${link}`,
      '',
      `Image:        ${identifier}`,
      ...(title === undefined ? [] : [`Title:        "${oneLine(title)}"`]),
      `Certificate:  ${oneLine(subject)}`,
      `Fingerprint:  ${fingerprint}`,
      '',
      `The link is good until ${expiresAt}. Opening it publishes nothing: you are asked first.`,
      'If you know nothing of this, decline there, or do nothing at all.',
      '',
    ].join('\n'),
  };
}
