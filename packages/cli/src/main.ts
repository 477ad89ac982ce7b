// SPDX-License-Identifier: Apache-2.0

/* What bin/vnfpool.js starts. Commands, also those that run a daemon, are added in program.ts. */
import { processIo } from './io.ts';
import { run } from './run.ts';

// `vnfpool events | head`: who reads has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const exitCode = await run(process.argv.slice(2), processIo());
// A daemon sets process.exitCode itself when it ends badly.
if (exitCode !== 0) process.exitCode = exitCode;
