// SPDX-License-Identifier: Apache-2.0

/** Octets of a message; what a UDP datagram can carry. */
export const SIP_MESSAGE_BYTES_MAX = 65_535;
/** Octets of the start line and all header fields, with the empty line. */
export const SIP_HEAD_BYTES_MAX = 32_768;
/** Header fields of a message. */
export const SIP_HEADERS_MAX = 256;
/** Values of one header, all fields and commas counted. */
export const SIP_VALUES_MAX = 128;
/** Parameters of one value or URI. */
export const SIP_PARAMETERS_MAX = 64;
