// The characters that markup is made of, by their codes.
export const tab = 0x09;
export const lineFeed = 0x0a;
export const space = 0x20;
export const exclamation = 0x21;
export const doubleQuote = 0x22;
export const singleQuote = 0x27;
export const slash = 0x2f;
export const colon = 0x3a;
export const lessThan = 0x3c;
export const equals = 0x3d;
export const greaterThan = 0x3e;
export const question = 0x3f;
