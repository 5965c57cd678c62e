// Sample data for pages: a small site with every kind of standing, and texts that try to be markup.
import { judge, type Judgement } from '../../src/policy/policy.ts';
import { readPolicy } from '../../src/policy/read.ts';
import { type EntryView } from '../../src/pages/view.ts';
import { openTestRegistry, type TestRegistry } from '../registry/open-registry.ts';

const systems = [
  { os: 'centos', osVersion: '5.5', osArch: 'x86_64', format: 'qcow2', hypervisors: ['kvm', 'xen'] },
  { os: 'ubuntu', osVersion: '10.04', osArch: 'x86_64', format: 'raw', compression: 'gz', hypervisors: ['kvm'] },
  { os: 'debian', osVersion: '13', osArch: 'aarch64', format: 'qcow2', hypervisors: ['kvm'] },
  { os: 'ttylinux', osVersion: '9.7', osArch: 'i486', format: 'raw', hypervisors: ['kvm'] },
] as const;

/** A registry with about thirty entries of four endorsers. */
export async function sampleRegistry(): Promise<TestRegistry> {
  const site = await openTestRegistry();
  for (let number = 0; number < 28; number += 1) {
    const system = systems[number % systems.length];
    const email = ['jane@example.org', 'joe@lab.example.org', 'images@example.net'][number % 3] ?? '';
    await site.upload({
      ...system,
      image: `image ${number}`.repeat(3_000_000 / (number + 10)),
      title: number % 5 === 0 ? `${system?.os ?? ''} with compilers and tools` : `${system?.os ?? ''} base image`,
      description:
        'A small, clean installation with an SSH server and cloud-init, made for tests of the disk service. Root may sign in by key only; the package list is in the release notes.',
      kinds: ['machine'],
      disksBuses: ['virtio'],
      inboundPorts: [22],
      creator: 'Jane Tester',
      publisher: 'Example Laboratory',
      locations: [`https://images.example.org/base/${number}.qcow2`],
      email,
      endorsed: `2026-05-${String(number + 1).padStart(2, '0')}T09:30:00Z`,
      ...(number % 4 === 0 ? { tag: 'stable' } : {}),
      ...(number % 9 === 0 ? { valid: '2026-12-31T00:00:00Z' } : {}),
    });
  }
  const image = { image: 'one', title: 'Flora and Fauna', email: 'jane@example.org' };
  await site.upload({ ...image, endorsed: '2026-05-01T00:00:00Z' });
  await site.upload({ ...image, email: 'joe@lab.example.org', endorsed: '2026-05-20T00:00:00Z' });
  await site.upload({
    ...image,
    ...systems[0],
    endorsed: '2026-05-30T00:00:00Z',
    deprecated: 'The SSH server has a hole; take the next one',
    valid: '2026-11-30T00:00:00Z',
    tag: 'demo',
    description: 'A bootable CD with plants and animals.',
    type: 'machine',
    kinds: ['machine'],
    locations: ['http://example.org/flora.iso', 'pdisk:disks.example.org:3260:0b6c-77', 'javascript:alert(1)'],
    inboundPorts: [22, 443],
    outboundPorts: [0],
    foreign: [{ namespace: 'http://example.org/', name: 'other-info', text: 'additional metadata', children: [] }],
  });
  await site.upload({
    image: 'stolen',
    title: 'Taken back',
    email: 'joe@lab.example.org',
    endorsed: '2026-05-22T00:00:00Z',
    deprecated: 'The key was stolen',
    withdrawal: { from: '2026-05-01T00:00:00Z', reason: 'The key was stolen' },
  });
  await site.upload({
    image: 'nasty',
    title: '<script>alert("title")</script><img src=x onerror=alert(1)>',
    description: '"><svg onload=alert(1)> & friends',
    os: '<b>os</b>',
    tag: "'><script>alert(2)</script>",
    email: 'eve@example.org',
    endorsed: '2026-05-31T00:00:00Z',
    locations: ['javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', 'https://user:pass@example.org/'],
    foreign: [{ namespace: '"><script>', name: '<i>', text: '</dd><script>alert(3)</script>', children: [] }],
  });
  return site;
}

export const samplePolicy = readPolicy(
  JSON.stringify({
    version: 1,
    endorsers: { allow: ['*@example.org'], deny: ['eve@example.org'] },
    formats: { allow: ['raw', 'qcow2'] },
    signature: { weak: 'deny', rsaBits: 2048 },
    required: ['title', 'os'],
    maximumAgeDays: 365,
    operatingSystems: [
      { os: 'centos', versions: ['5.5', '6'] },
      { os: 'debian', architectures: ['x86_64'] },
    ],
    conditions: [{ name: 'small', deny: 'image.bytes > 1000000000' }],
  }),
);

export function sampleJudgement(entry: EntryView): Judgement {
  return judge(samplePolicy, entry, new Date('2026-06-01T00:00:00Z'));
}
