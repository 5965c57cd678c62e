// The logical unit number of a volume in its target: one target per volume, one number, never another.

/** LUN of every volume. */
export const volumeLun = 1;
