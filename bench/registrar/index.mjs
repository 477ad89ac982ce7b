// SPDX-License-Identifier: Apache-2.0
import { Connections } from './connections.mjs';
import { registration, resolution } from './messages.mjs';
import { startEcho, startRegistrar } from './processes.mjs';

export const description =
  'a registrar over loopback TCP: resolutions and registrations a second, beside a server that only answers';

export const limitMs = 6 * 60_000;

const ROUNDS = 5;
const ROUND_MS = 1_000;
const POOL = 'calc';
const ELEMENTS = 16;
/** Requests on the way at once when they are pipelined. */
const WINDOW = 512;
const USERS = [1, 100, 1_000];

/**
 * The registrar is a process of its own with one thread; so is the reference, a TCP server that answers each
 * request of the same size by octets of the same size, which is what sockets and Node take by themselves.
 */
export async function run({ options, cleanup, signal, emit, say }) {
  const registrar = await startRegistrar(cleanup, signal);
  const members = await Connections.open(registrar.port, 1, cleanup);
  for (let id = 1; id <= ELEMENTS; id++) await members.ask(0, registration(POOL, id));
  const question = resolution(POOL);
  const [first] = await Connections.open(registrar.port, 1, cleanup).then((all) => all.collect(0, question));
  say(`a resolution: ${question.length} octets, its answer ${first.length}`);
  const echo = await startEcho(cleanup, signal, question.length, first);

  const compare = async (figure, unit, measure) => {
    if (options.only !== undefined && !figure.includes(options.only)) return;
    const samples = [];
    const referenceSamples = [];
    for (let round = 0; round <= ROUNDS; round++) {
      signal.throwIfAborted();
      const ours = await measure(registrar.port);
      const reference = await measure(echo.port);
      // The first round warms up.
      if (round > 0) {
        samples.push(ours);
        referenceSamples.push(reference);
      }
    }
    emit({ figure, unit, samples, referenceSamples, referenceName: 'a server that only answers' });
  };

  await compare('resolutions, pipelined on 4 connections', 'a second', async (port) => {
    const connections = await Connections.open(port, 4);
    const { count, seconds } = await connections.pipeline(question, WINDOW, ROUND_MS);
    connections.close();
    return count / seconds;
  });
  for (const users of USERS) {
    await compare(`resolutions, request and response, ${users} users`, 'a second', async (port) => {
      const connections = await Connections.open(port, users);
      const { count, seconds } = await connections.pipeline(question, 1, ROUND_MS);
      connections.close();
      return count / seconds;
    });
  }
  for (const quantile of [0.5, 0.99]) {
    await compare(`resolutions at 100,000 a second, p${quantile * 100}`, 'ms', async (port) => {
      const connections = await Connections.open(port, 4);
      const latencies = await connections.paced(question, 100_000, ROUND_MS);
      connections.close();
      return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * quantile))] ?? Number.NaN;
    });
  }
  await compare('registrations of elements that are there, pipelined', 'a second', async (port) => {
    const connections = await Connections.open(port, 1);
    const elements = Array.from({ length: 64 }, (_, at) => registration('many', at + 1));
    // The reference counts frames by their length, and a registration is longer than a question.
    const { count, seconds } =
      port === echo.port
        ? await connections.pipeline(question, WINDOW, ROUND_MS)
        : await connections.pipelineOf(elements, WINDOW, ROUND_MS);
    connections.close();
    return count / seconds;
  });
}
