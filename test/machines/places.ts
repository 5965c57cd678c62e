// Where the parts of machines are: the kernel that was fetched, the image that was built, the boot programs of Debian.
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = process.env['MINTMARK_TOOLS'] ?? join(homedir(), '.cache', 'mintmark-tools');

/** Kernel and modules (build/install-kernel.sh). */
export const kernelFolder = join(cache, 'kernel');
export const kernel = join(kernelFolder, 'vmlinuz');
/** A Debian with a boot loader, as a raw disk (build/make-debian-image.sh). */
export const debianImage = join(cache, 'debian.raw');
