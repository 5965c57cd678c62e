// What the attachment routes take and give.
import { z } from 'zod';
import { attachmentModes } from '../../../volumes/model.ts';

/** POST /attachments. */
export const newAttachmentBody = z.strictObject({
  volume: z.uuid(),
  /** Name of the initiator (RFC 7143 §4.2.7). */
  initiator: z.string(),
  mode: z.enum(attachmentModes).default('read-write'),
});

/** One attachment with its secret and how to use it: only for whoever holds the token. */
export const attachmentDetails = z.object({
  id: z.string(),
  volume: z.uuid(),
  initiator: z.string(),
  mode: z.enum(attachmentModes),
  created: z.string(),
  /** Where the target listens, HOST:PORT. */
  portal: z.string(),
  iqn: z.string(),
  lun: z.number(),
  chap: z.object({ name: z.string(), secret: z.string() }),
  guide: z.object({
    qemu: z.string(),
    iscsiadm: z.string(),
    libvirtSecret: z.string(),
    libvirtDisk: z.string(),
    ipxe: z.string(),
    url: z.string(),
  }),
});
export type AttachmentDetails = z.output<typeof attachmentDetails>;
