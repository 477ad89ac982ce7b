// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Programs that play the network function, with the arguments before port and name. */
export const PROGRAMS = {
  small: ['perl', join(import.meta.dirname, 'echo.pl')],
  node: [process.execPath, join(import.meta.dirname, 'echo.mjs')],
};

export const PORT = 7000;
