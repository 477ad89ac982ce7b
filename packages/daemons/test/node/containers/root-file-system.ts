// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';

const BUSYBOX = '/bin/busybox';
const COMMANDS = [
  'sh',
  'sleep',
  'echo',
  'cat',
  'id',
  'hostname',
  'ip',
  'nc',
  'dd',
  'env',
  'touch',
  'yes',
  'ls',
  'grep',
];

/** Why no root file system can be made here; null: it can. */
export function noRootFileSystem(): string | null {
  if (!existsSync(BUSYBOX)) return `there is no ${BUSYBOX}: apt install busybox-static`;
  // A program that wants no libraries names no interpreter.
  return readFileSync(BUSYBOX).includes('/ld-linux')
    ? `${BUSYBOX} needs libraries: apt install busybox-static`
    : null;
}

/** A root file system with a shell and little else, in a folder that is made. @returns the folder */
export function makeRootFileSystem(folder: string): string {
  for (const name of ['bin', 'etc', 'tmp', 'data']) mkdirSync(`${folder}/${name}`, { recursive: true });
  copyFileSync(BUSYBOX, `${folder}/bin/busybox`);
  for (const name of COMMANDS) symlinkSync('busybox', `${folder}/bin/${name}`);
  return folder;
}
