// SPDX-License-Identifier: Apache-2.0

/* Numbers of linux/sctp.h, as RFC 6458 names them. */

export const SCTP_RTOINFO = 0;
export const SCTP_ASSOCINFO = 1;
export const SCTP_INITMSG = 2;
export const SCTP_NODELAY = 3;
export const SCTP_PEER_ADDR_PARAMS = 9;
export const SCTP_EVENTS = 11;
export const SCTP_I_WANT_MAPPED_V4_ADDR = 12;
export const SCTP_STATUS = 14;
export const SCTP_GET_PEER_ADDR_INFO = 15;
export const SCTP_DELAYED_SACK = 16;
export const SCTP_RECVRCVINFO = 32;
export const SCTP_SOCKOPT_BINDX_ADD = 100;
export const SCTP_GET_PEER_ADDRS = 108;
export const SCTP_GET_LOCAL_ADDRS = 109;
export const SCTP_SOCKOPT_CONNECTX = 110;

/** Types of control messages. */
export const SCTP_SNDINFO = 2;
export const SCTP_RCVINFO = 3;

/** The peer acknowledges this message at once (RFC 7053). */
export const SCTP_SACK_IMMEDIATELY = 8;

export const SPP_HB_ENABLE = 1;

export const MSG_DONTWAIT = 0x40;
/** The message ends here. */
export const MSG_EOR = 0x80;
export const MSG_NOSIGNAL = 0x4000;
/** Not a message of the peer: the kernel tells something. */
export const MSG_NOTIFICATION = 0x8000;

export const SHUT_WR = 1;

/** `struct sockaddr_storage` */
export const SOCKADDR_STORAGE_BYTES = 128;
