// `mintmark volume`: make, list, change and attach disks.
import { z } from 'zod';
import { attachmentDetails, type AttachmentDetails } from '../src/http/routes/attachments/schema.ts';
import { volumeAnswer, volumeList, type VolumeAnswer } from '../src/http/routes/volumes/schema.ts';
import { Fault } from '../src/errors/fault.ts';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { answer, table } from './print.ts';
import { parseSize } from './size.ts';

const volumeRows = (volumes: readonly VolumeAnswer[]): string =>
  volumes.length === 0
    ? 'there are no volumes'
    : table([
        ['uuid', 'tag', 'kind', 'bytes', 'state', 'image', 'created'],
        ...volumes.map((volume) => [
          volume.uuid,
          volume.tag ?? '-',
          volume.kind,
          String(volume.size),
          volume.state,
          volume.image ?? '-',
          volume.created,
        ]),
      ]);

const guideText = ({ initiator, iqn, lun, portal, guide }: AttachmentDetails): string =>
  [
    `${initiator} may log in to ${iqn}, LUN ${lun}, at ${portal}`,
    `\nQEMU:\n${guide.qemu}`,
    `\nLinux (as root):\n${guide.iscsiadm}`,
    `\nlibvirt, once for the secret:\n${guide.libvirtSecret}`,
    `\nlibvirt, in the domain:\n${guide.libvirtDisk}`,
    `\niPXE:\n${guide.ipxe}`,
    `\nlibiscsi's tools (add -i ${initiator}):\n${guide.url}`,
  ].join('\n');

interface CreateFlags extends ServerFlags {
  readonly image?: string;
  readonly size?: string;
  readonly from?: string;
  readonly tag?: string;
  readonly readOnly?: boolean;
}

function newVolume({ image, size, from, tag, readOnly }: CreateFlags): Readonly<Record<string, unknown>> {
  const sources = [
    ...(image === undefined ? [] : [{ image, kind: readOnly === true ? 'static' : 'machine' }]),
    ...(size === undefined ? [] : [{ size: parseSize(size, '--size') }]),
    ...(from === undefined ? [] : [{ source: from }]),
  ];
  if (sources.length !== 1) {
    throw new Fault('usage', 'a volume is made of one thing', { action: 'Give one of --image, --from and --size.' });
  }
  return { ...sources[0], ...(tag === undefined ? {} : { tag }) };
}

export const volumeCommands: CommandGroup = (program, context) => {
  const volume = program.command('volume').description('make, list, change and attach disks');

  withServerFlags(volume.command('create').description('make a volume from an image, a snapshot, a volume, or blank'))
    .option('--image <identifier>', 'copy-on-write clone of this image; it is pulled and proven first where need be')
    .option('--from <uuid>', 'copy-on-write clone of this snapshot or volume')
    .option('--size <bytes>', 'blank volume of this size (10G)')
    .option('--read-only', 'with --image: serve the image itself, which nobody can write to')
    .option('--tag <text>', 'a name for people')
    .action(async (flags: CreateFlags) => {
      const api = await connect(context, flags);
      const made = await api.json(volumeAnswer, '/volumes', { method: 'POST', body: newVolume(flags) });
      answer(context, flags, made, () => made.uuid);
    });

  withServerFlags(volume.command('list').description('list volumes')).action(async (flags: ServerFlags) => {
    const { volumes } = await (await connect(context, flags)).json(volumeList, '/volumes');
    answer(context, flags, volumes, () => volumeRows(volumes));
  });

  withServerFlags(volume.command('show').description('show one volume and who may use it'))
    .argument('<volume>', 'UUID of the volume')
    .action(async (id: string, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const shown = await api.json(volumeAnswer, `/volumes/${id}`);
      answer(context, flags, shown, () =>
        [
          volumeRows([shown]),
          ...shown.snapshots.map((one) => `snapshot ${one.uuid}: ${one.tag ?? '-'}, ${one.created}`),
          ...shown.attachments.map((one) => `attachment ${one.id}: ${one.initiator}, ${one.mode}`),
        ].join('\n'),
      );
    });

  withServerFlags(volume.command('resize').description('make a volume larger'))
    .argument('<volume>', 'UUID of the volume')
    .argument('<size>', 'new size (20G)')
    .action(async (id: string, size: string, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const changed = await api.json(volumeAnswer, `/volumes/${id}`, {
        method: 'PATCH',
        body: { size: parseSize(size, 'size') },
      });
      answer(context, flags, changed, () => `${changed.uuid} has ${changed.size} bytes now`);
    });

  withServerFlags(volume.command('delete').description('delete a volume that nobody uses'))
    .argument('<volume>', 'UUID of the volume')
    .action(async (id: string, flags: ServerFlags) => {
      await (await connect(context, flags)).json(z.undefined(), `/volumes/${id}`, { method: 'DELETE' });
      answer(context, flags, { deleted: id }, () => `${id} is deleted`);
    });

  withServerFlags(volume.command('attach').description('let one initiator use a volume, and print how'))
    .argument('<volume>', 'UUID of the volume')
    .requiredOption('--initiator <iqn>', 'iSCSI name of the hypervisor or guest')
    .option('--read-only', 'reading only')
    .action(async (id: string, flags: ServerFlags & { readonly initiator: string; readonly readOnly?: boolean }) => {
      const attached = await (
        await connect(context, flags)
      ).json(attachmentDetails, '/attachments', {
        method: 'POST',
        body: { volume: id, initiator: flags.initiator, mode: flags.readOnly === true ? 'read-only' : 'read-write' },
      });
      answer(context, flags, attached, () => `attachment ${attached.id}\n${guideText(attached)}`);
    });

  withServerFlags(volume.command('how').description('print again how to use an attachment'))
    .argument('<attachment>', 'UUID of the attachment')
    .action(async (id: string, flags: ServerFlags) => {
      const shown = await (await connect(context, flags)).json(attachmentDetails, `/attachments/${id}`);
      answer(context, flags, shown, () => guideText(shown));
    });

  withServerFlags(volume.command('detach').description('end an attachment; its sessions are cut'))
    .argument('<attachment>', 'UUID of the attachment')
    .action(async (id: string, flags: ServerFlags) => {
      await (await connect(context, flags)).json(z.undefined(), `/attachments/${id}`, { method: 'DELETE' });
      answer(context, flags, { detached: id }, () => `${id} is detached`);
    });
};
