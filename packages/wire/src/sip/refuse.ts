// SPDX-License-Identifier: Apache-2.0
import { WireError, type WireErrorCode } from '../bytes/index.ts';

/** @throws WireError always; what is text has no offset worth telling */
export function refuse(code: WireErrorCode, message: string, offset = 0): never {
  throw new WireError(code, offset, message);
}
