// SPDX-License-Identifier: Apache-2.0
import { Socket } from 'node:net';

/** Environment variable with the number of an inherited descriptor: the read end of the parent's pipe. */
export const parentVariable = 'VNFPOOL_PARENT_FD';

/**
 * Calls `gone` when the parent's end of a pipe closes, which the kernel does however the parent ends. Does
 * nothing when the environment names no descriptor.
 * @returns How to stop watching.
 * @throws RangeError when the variable is no descriptor's number
 */
export function watchParent(
  gone: () => void,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): () => void {
  const text = environment[parentVariable];
  if (text === undefined || text === '') return () => {};
  const fd = Number(text);
  if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`${parentVariable}=${text} is no descriptor`);
  const pipe = new Socket({ fd, readable: true, writable: false });
  let told = false;
  const tell = (): void => {
    if (told) return;
    told = true;
    gone();
  };
  pipe.on('end', tell);
  pipe.on('close', tell);
  pipe.on('error', tell);
  pipe.resume();
  // Watching is no reason to go on living.
  pipe.unref();
  return () => {
    told = true;
    pipe.destroy();
  };
}
