// SPDX-License-Identifier: Apache-2.0
export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { fromHex, toHex } from './hex.ts';
export { decodeUtf8, encodeUtf8 } from './utf8.ts';
export { WireError, type WireErrorCode } from './wire-error.ts';
