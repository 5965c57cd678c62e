// What the attachment routes take and give.
import { z } from 'zod';

/** RFC 7143 §4.2.7: iqn., eui. and naa. names; the lower case that normalization gives. */
export const initiatorName = z
  .string()
  .max(223)
  .regex(/^(iqn\.\d{4}-\d{2}\.[^\s,]+|eui\.[0-9a-fA-F]{16}|naa\.[0-9a-fA-F]{16,32})$/u, {
    error: 'is not an iSCSI name, such as iqn.2026-01.org.example:host-1',
  })
  .toLowerCase();

/** POST /attachments. */
export const newAttachmentBody = z.strictObject({
  volume: z.uuid(),
  initiator: initiatorName,
  readOnly: z.boolean().default(false),
});

export const attachmentAnswer = z.object({
  id: z.uuid(),
  volume: z.uuid(),
  initiator: z.string(),
  readOnly: z.boolean(),
  created: z.string(),
  /** Where the target listens, HOST:PORT. */
  portal: z.string(),
  target: z.string(),
  lun: z.number(),
});
export type AttachmentAnswer = z.output<typeof attachmentAnswer>;

/** One attachment with its secret and how to use it: only for whoever holds the token. */
export const attachmentDetails = attachmentAnswer.extend({
  chap: z.object({ name: z.string(), secret: z.string() }),
  guide: z.object({
    qemu: z.string(),
    iscsiadm: z.string(),
    libvirtSecret: z.string(),
    libvirtDisk: z.string(),
    url: z.string(),
  }),
});
export type AttachmentDetails = z.output<typeof attachmentDetails>;

export const attachmentList = z.object({ attachments: z.array(attachmentAnswer) });
