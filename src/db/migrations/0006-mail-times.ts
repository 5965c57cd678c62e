// When each link was mailed: a document that is uploaded again while it waits is not mailed again at once.

export function mailTimes(): readonly string[] {
  return [`alter table confirmation_tokens add column made_at text not null default '0000'`];
}
