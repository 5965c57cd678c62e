// `mintmark metadata`: build, sign, validate, show, deprecate, revoke, and the keys for it. All of it works offline.
import { type CommandGroup } from './context.ts';
import { addBuild } from './metadata-build.ts';
import { addKeygen } from './metadata-keygen.ts';
import { addShow } from './metadata-show.ts';
import { addSign } from './metadata-sign.ts';
import { addValidate } from './metadata-validate.ts';
import { addWithdraw } from './metadata-withdraw.ts';

export const metadataGroup: CommandGroup = (program, context) => {
  const metadata = program.command('metadata').description('make, sign and check the signed description of an image');
  addBuild(metadata, context);
  addSign(metadata, context);
  addValidate(metadata, context);
  addShow(metadata, context);
  addWithdraw(metadata, context);
  addKeygen(metadata, context);
};
