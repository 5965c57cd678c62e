// docs/errors.md and the table of faults say the same, in both directions (vitest -u writes the page anew).
import { expect, test } from 'vitest';
import { exitCodes, faults } from '../../src/errors/table.ts';

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'all is well',
  failed: 'something broke, or a check that was asked for failed',
  usage: 'the command line, the configuration or a named file is wrong',
  invalid: 'a document or an image is not what it must be',
  refused: 'the policy, the rules of trust or missing rights forbid it',
  notFound: 'there is no such thing',
  conflict: 'it does not go with what is there already',
  unavailable: 'a server, a location or a resource cannot be had at the moment',
  cancelled: 'interrupted by Ctrl-C',
};

test('docs/errors.md lists every exit code and every fault', async () => {
  const page = [
    '# Exit codes and errors',
    '',
    'Exit codes of the `mintmark` command:',
    '',
    '| code | meaning |',
    '| --- | --- |',
    ...Object.entries(exitCodes).map(([name, code]) => `| ${code} | ${meanings[name as keyof typeof exitCodes]} |`),
    '',
    'Every failure has a stable code. The API answers it as a problem document (RFC 9457) of `type` `urn:mintmark:fault:CODE`, the command line prints it in brackets.',
    '',
    '| code | HTTP | exit | title | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(faults).map(
      ([code, { status, exit, title, action }]) => `| \`${code}\` | ${status} | ${exit} | ${title} | ${action} |`,
    ),
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/errors.md');
});

test.each(Object.entries(faults))('%s says what to do in a sentence', (_code, { action, title }) => {
  expect(action).toMatch(/^[A-Z].*\.$/su);
  expect(title).not.toMatch(/\.$/u);
});
