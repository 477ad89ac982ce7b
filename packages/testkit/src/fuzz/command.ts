// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

const NAMES = Object.keys(TARGETS);

const USAGE = `npm run fuzz -- [--decoder ${NAMES.join('|')}] [--inputs N] [--from SEED]

Feeds N inputs (default 100000) to one decoder, or to each when none is named: arbitrary octets and mutated messages,
one for each seed from SEED (default 1) on. Each must be a message or a typed error, and hold no more than its octets allow.
Equal seeds give equal inputs. Ends with 1 at the first finding; Ctrl-C ends it and tells how far it came.`;

/** The command `npm run fuzz`; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    for (const name of options.decoders) {
      if (!(await fuzzOne(name, options, stop.signal))) return 1;
      if (stop.signal.aborted) break;
    }
    return 0;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** False: there was a finding, and it was told. */
async function fuzzOne(
  name: string,
  { from, inputs }: { readonly from: number; readonly inputs: number },
  signal: AbortSignal,
): Promise<boolean> {
  const target = TARGETS[name];
  if (target === undefined) return true;
  const started = performance.now();
  let told = started;
  const { done, accepted, finding } = await fuzz(target, {
    from,
    inputs,
    pause: async (sofar) => {
      if (performance.now() - told > 5000) {
        told = performance.now();
        console.log(`${name}: ${sofar} of ${inputs} inputs, next --from ${from + sofar}`);
      }
      await setImmediate();
      return signal.aborted;
    },
  });
  if (finding !== undefined) {
    console.error(`${name}: input of seed ${finding.seed}: ${finding.hex}`);
    console.error(finding.error);
    console.error(`again: npm run fuzz -- --decoder ${name} --from ${finding.seed} --inputs 1`);
    return false;
  }
  const seconds = (performance.now() - started) / 1000;
  const range = done === 0 ? 'no seeds' : `seeds ${from} to ${from + done - 1}`;
  console.log(`${name}: ${range}, ${accepted} were messages, no finding, ${seconds.toFixed(1)} s`);
  return true;
}

function readOptions(
  args: readonly string[],
): { readonly decoders: readonly string[]; readonly inputs: number; readonly from: number } | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      decoder: { type: 'string' },
      inputs: { type: 'string', default: '100000' },
      from: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  if (values.decoder !== undefined && !NAMES.includes(values.decoder))
    throw new Error(`no decoder ${values.decoder}`);
  return {
    decoders: values.decoder === undefined ? NAMES : [values.decoder],
    inputs: count(values.inputs),
    from: count(values.from),
  };
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--inputs and --from take whole numbers above 0, got ${text}`);
  return value;
}
