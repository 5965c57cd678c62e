// Entries with a tag, whoever endorsed them, in the order of their time.

export function tagIndexes(): readonly string[] {
  return [`create index entries_of_tag on entries (tag, created, id) where tag is not null`];
}
