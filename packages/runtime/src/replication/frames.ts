// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';
import { REPLICA_FRAME_BYTES_MAX, REPLICA_HEADER_BYTES, replicaFrameBytes } from '@vnfpool/wire/replication';

/** How a stream of replication is cut. */
export const replicationRule: FrameRule = {
  headerBytes: REPLICA_HEADER_BYTES,
  frameBytes: (header) => replicaFrameBytes(header),
  frameBytesMax: REPLICA_FRAME_BYTES_MAX,
};
