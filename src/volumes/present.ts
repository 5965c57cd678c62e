// From descriptors to what callers see: no file layout, no secrets.
import { type Catalogue } from './catalogue.ts';
import { targetName } from './credentials.ts';
import { type AttachmentDescriptor, type VolumeDescriptor } from './descriptor.ts';
import { type Attachment, type AttachmentSummary, type Snapshot, type Volume, type VolumeState } from './model.ts';

export function presentSnapshot(
  { uuid: volume }: VolumeDescriptor,
  { uuid, tag, size, created }: VolumeDescriptor['snapshots'][number],
): Snapshot {
  return { uuid, volume, size, created, ...(tag === undefined ? {} : { tag }) };
}

function presentSummary({ id, volume, initiator, mode, created }: AttachmentDescriptor): AttachmentSummary {
  return { id, volume, initiator, mode, created };
}

export function presentAttachment(attachment: AttachmentDescriptor, iqnPrefix: string): Attachment {
  return {
    ...presentSummary(attachment),
    iqn: targetName(iqnPrefix, attachment.volume),
    chap: { name: attachment.chapName, secret: attachment.chapSecret },
  };
}

export function presentVolume(volume: VolumeDescriptor, catalogue: Catalogue, iqnPrefix: string): Volume {
  const attachments = catalogue.attachmentsOf(volume.uuid);
  const state: VolumeState =
    volume.quarantinedUntil === undefined ? (attachments.length === 0 ? 'available' : 'attached') : 'quarantined';
  const { uuid, kind, size, created, tag, owner, image, quarantinedUntil, clonedFrom } = volume;
  return {
    uuid,
    kind,
    state,
    size,
    ...(tag === undefined ? {} : { tag }),
    ...(owner === undefined ? {} : { owner }),
    ...(image === undefined ? {} : { image }),
    ...(clonedFrom === undefined ? {} : { clonedFrom: clonedFrom.volume }),
    created,
    ...(quarantinedUntil === undefined ? {} : { quarantinedUntil }),
    iqn: targetName(iqnPrefix, uuid),
    snapshots: volume.snapshots.map((snapshot) => presentSnapshot(volume, snapshot)),
    attachments: attachments.map(presentSummary),
  };
}
