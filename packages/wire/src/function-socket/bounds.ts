// SPDX-License-Identifier: Apache-2.0

/** Version of the protocol of `docs/function-socket.md`. */
export const FUNCTION_SOCKET_VERSION = 1;
/** Octets of a line, its line feed included. */
export const FUNCTION_LINE_BYTES_MAX = 65_536;
/** Octets of one block on a data socket. */
export const FUNCTION_BLOCK_BYTES_MAX = 1_048_576;
/** Characters of a reason or an error; more are cut off where we write, refused where we read. */
export const FUNCTION_REASON_CHARACTERS_MAX = 1_024;
/** Environment variable that names the socket on which the agent listens. */
export const FUNCTION_SOCKET_VARIABLE = 'VNFPOOL_SOCKET';
