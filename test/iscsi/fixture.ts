// A target on a free port with a clock that tests turn by hand.
import { type BlockDevice } from '../../src/block/device.ts';
import { type TargetLimits } from '../../src/iscsi/limits.ts';
import { createTarget, type Target } from '../../src/iscsi/target.ts';
import { diskTarget, NamedDisks } from './disks.ts';

export interface TestTarget {
  readonly target: Target;
  readonly port: number;
  readonly directory: NamedDisks;
  /** Lets milliseconds pass, and the target look at its clock. */
  pass(milliseconds: number): void;
}

/** @param others disks beside the one, by the names of their targets. */
export async function startTarget(
  device: BlockDevice,
  limits: Partial<TargetLimits> = {},
  others: readonly (readonly [string, BlockDevice])[] = [],
): Promise<TestTarget> {
  let now = 0;
  const ticks: (() => void)[] = [];
  const directory = new NamedDisks(new Map([[diskTarget, device], ...others]));
  const target = await createTarget({
    portals: [{ host: '127.0.0.1', port: 0 }],
    directory,
    // Only who asks for it waits for initiators that do not log out.
    limits: { logoutMilliseconds: 0, ...limits },
    clock: {
      now: () => now,
      every(_milliseconds, tick) {
        ticks.push(tick);
        return () => undefined;
      },
    },
  });
  return {
    target,
    port: target.portals[0]?.port ?? 0,
    directory,
    pass(milliseconds) {
      now += milliseconds;
      for (const tick of ticks) tick();
    },
  };
}
