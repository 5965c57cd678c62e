// Under which name commander keeps the value of a long option: `os-version` is `osVersion`.

export function optionKey(name: string): string {
  return name.replaceAll(/-(\w)/gu, (_dash, letter: string) => letter.toUpperCase());
}
