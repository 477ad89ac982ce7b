// SPDX-License-Identifier: Apache-2.0

/** With which right namespaces are made: as root, or as root of a user namespace of one's own. */
export type Privilege = 'root' | 'user';

/**
 * What is put before a command to run it in network, mount and process namespaces of its own, with `/proc` to match; when
 * `unshare` is killed, all inside is. `ip netns add` is not used: it writes to /run.
 */
export const ENTER_COMMAND: Readonly<Record<Privilege, readonly string[]>> = {
  root: ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  user: [
    'unshare',
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--user',
    '--map-root-user',
    '--',
  ],
};
