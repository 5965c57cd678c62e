// Reads StratusLab's policy.cfg: lists of endorsers, images and checksums in sections, one value a line.
import { Fault } from '../errors/fault.ts';

const lists = ['endorsers', 'images', 'checksums'] as const;
type ListName = (typeof lists)[number];
interface Lists {
  allow?: string[];
  deny?: string[];
}

/** The list that a name stands for: `whitelistendorsers` is what endorsers.allow is here. */
function listNamed(name: string): { readonly list: ListName; readonly kind: 'allow' | 'deny' } | undefined {
  const match = /^(white|black)list(endorsers|images|checksums)$/u.exec(name.toLowerCase());
  const list = lists.find((known) => known === match?.[2]);
  return list === undefined ? undefined : { list, kind: match?.[1] === 'white' ? 'allow' : 'deny' };
}

function wrong(line: number, what: string): Fault {
  const problems = [{ path: '', line, message: what }];
  return new Fault('policy.invalid', `The policy is wrong in line ${line}: ${what}`, { details: { problems } });
}

const isSwitchedOff = (value: string): boolean => ['no', 'false', 'off', '0'].includes(value.toLowerCase());

/**
 * The content of a policy.cfg in the shape of a policy document (still to be checked by its schema). Values stand one a
 * line, or parted by commas. An empty list says nothing, as it did there. Throws `policy.invalid` with the line.
 */
export function readStratusLabPolicy(text: string): unknown {
  const found: Partial<Record<ListName, Lists>> = {};
  const switchedOff = new Set<string>();
  const values: { section: string; name: string; values: string[] }[] = [];
  let section: string | undefined;
  let current: string[] | undefined;
  for (const [index, raw] of text.split(/\r\n|\n|\r/u).entries()) {
    const number = index + 1;
    const content = raw.replace(/^\s*[#;].*$/u, '').replace(/\s[#;].*$/u, '');
    if (content.trim() === '') continue;
    const heading = /^\[([^\]]+)\]\s*$/u.exec(content);
    const setting = /^([A-Za-z0-9_.-]+)\s*[=:]\s*(.*)$/u.exec(content);
    if (heading?.[1] !== undefined) {
      section = heading[1].trim().toLowerCase();
      current = undefined;
      const known = listNamed(section) !== undefined || [...lists, 'validatemetadatafile'].includes(section);
      if (!known) throw wrong(number, `the section [${section}] is not known`);
    } else if (setting?.[1] !== undefined && section !== undefined) {
      const name = setting[1].toLowerCase();
      const value = (setting[2] ?? '').trim();
      if (name === 'activate') {
        if (!isSwitchedOff(value)) continue;
        if (section === 'validatemetadatafile') throw wrong(number, 'the check of signatures cannot be switched off');
        switchedOff.add(section);
      } else {
        if (section === 'validatemetadatafile') continue;
        if (listNamed(section) === undefined && listNamed(name)?.list !== section) {
          throw wrong(number, `the setting ${name} is not known in [${section}]`);
        }
        current = [value];
        values.push({ section, name, values: current });
      }
    } else if (/^\s/u.test(content) && current !== undefined) {
      current.push(content.trim());
    } else {
      throw wrong(number, 'neither a [section], nor name = value, nor a value on an indented line');
    }
  }
  for (const entry of values) {
    const target = listNamed(entry.section) ?? listNamed(entry.name);
    const plain = entry.values.flatMap((value) => value.split(',')).map((value) => value.trim());
    const stated = plain.filter((value) => value !== '');
    if (target === undefined || switchedOff.has(entry.section) || stated.length === 0) continue;
    const of = (found[target.list] ??= {});
    of[target.kind] = [...(of[target.kind] ?? []), ...stated];
  }
  return { version: 1, ...found };
}
