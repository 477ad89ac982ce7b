// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { PlatformError } from '../errors.ts';
import { CLONE_NEWNET } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { findLink, setLinkUp } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';

/** The namespace of the calling thread; `/proc/self` would name the main thread's. */
const OWN = '/proc/thread-self/ns/net';

/** A network namespace, held by an open descriptor; it leaves no name behind. */
export interface NetworkNamespace {
  readonly fd: number;
  /** The kernel's name of it, `net:[4026532000]`. */
  readonly identity: string;
  /** Lets go; the kernel removes the namespace when no process or socket lives in it. */
  close(): void;
}

function hold(fd: number): NetworkNamespace {
  const identity = readlinkSync(`/proc/self/fd/${fd}`);
  let closed = false;
  return {
    fd,
    identity,
    close: () => {
      if (closed) return;
      closed = true;
      closeSync(fd);
    },
  };
}

/** The namespace of the calling thread. */
export function openOwnNamespace(): NetworkNamespace {
  return hold(openSync(OWN, 'r'));
}

/** The namespace in which a process lives. @throws Error of the system when there is none with this number */
export function openNamespaceOf(pid: number): NetworkNamespace {
  return hold(openSync(`/proc/${pid}/ns/net`, 'r'));
}

/**
 * Runs `work` with the calling thread in the namespace, and brings the thread back. Sockets opened, children spawned and
 * `/proc/sys/net` files written inside belong to the namespace; `/proc/net` does not follow, `/proc/thread-self/net` does.
 * `work` must be synchronous: what runs later runs outside.
 * @throws PlatformError `EPERM` without CAP_SYS_ADMIN over the namespace
 */
export function inNamespace<Result>(fd: number, work: () => Result): Result {
  const home = openSync(OWN, 'r');
  try {
    libc().setNamespace(fd, CLONE_NEWNET);
    try {
      return work();
    } finally {
      comeHome(home);
    }
  } finally {
    closeSync(home);
  }
}

/** Makes a namespace with its loopback up; the calling thread stays where it is. */
export function createNamespace(): NetworkNamespace {
  const home = openSync(OWN, 'r');
  try {
    libc().unshare(CLONE_NEWNET);
    let made: NetworkNamespace | undefined;
    try {
      made = hold(openSync(OWN, 'r'));
      setLoopbackUp();
      return made;
    } catch (error) {
      made?.close();
      throw error;
    } finally {
      comeHome(home);
    }
  } finally {
    closeSync(home);
  }
}

/** Sets the loopback of the calling thread's namespace up. */
export function setLoopbackUp(): void {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    setLinkUp(socket, findLink(socket, 'lo').index, true);
  } finally {
    socket.close();
  }
}

function comeHome(home: number): void {
  try {
    libc().setNamespace(home, CLONE_NEWNET);
  } catch (cause) {
    // From here on this thread would open every socket in the wrong place.
    const message = 'the thread cannot return to its namespace; end the process';
    throw new PlatformError('LOST', message, { call: 'setns', cause });
  }
}
