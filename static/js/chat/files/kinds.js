/* Kinds of files, told by their first bytes. */

const begins = (bytes, ...first) => first.every((byte, at) => bytes[at] === byte);

export const isZip = (bytes) => begins(bytes, 0x50, 0x4b, 3, 4);
export const isPdf = (bytes) => begins(bytes, 0x25, 0x50, 0x44, 0x46, 0x2d);
/** Older Office documents, and protected ones. */
export const isCompound = (bytes) => begins(bytes, 0xd0, 0xcf, 0x11, 0xe0);
export const isWav = (bytes) => begins(bytes, 0x52, 0x49, 0x46, 0x46) && begins(bytes.subarray(8), 0x57, 0x41, 0x56, 0x45);
/** With tags before it; without, its first bytes could be those of a text. */
export const isTaggedMp3 = (bytes) => begins(bytes, 0x49, 0x44, 0x33);
export const isMp3Frame = (bytes) => bytes[0] === 0xff && bytes[1] >= 0xe0;
