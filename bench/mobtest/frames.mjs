// SPDX-License-Identifier: Apache-2.0
import { FRAME_HEADER_BYTES, MESSAGE_BYTES_MAX, mobilityFrameBytes } from '@vnfpool/wire/mobility';

/** How the service-mobility protocol cuts a stream. */
export const mobilityRule = {
  headerBytes: FRAME_HEADER_BYTES,
  frameBytes: (header) => mobilityFrameBytes(header),
  frameBytesMax: MESSAGE_BYTES_MAX,
};
