// SPDX-License-Identifier: Apache-2.0
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type { Counter, Gauge, Histogram } from 'prom-client';

/** What a metric's name may end in. */
const units = ['_total', '_seconds', '_bytes', '_ratio', '_info', '_count', '_state'] as const;

interface Naming<Label extends string> {
  /** Without the prefix; ends in its unit: `failover_outage_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

/** The metrics of one daemon, all under `vnfpool_`. Not global: each test and each daemon has its own. */
export class Metrics {
  readonly #registry = new Registry();
  readonly contentType: string = this.#registry.contentType;

  constructor(options: { readonly component: string; readonly process?: boolean }) {
    this.#registry.setDefaultLabels({ component: options.component });
    if (options.process === true) collectDefaultMetrics({ register: this.#registry, prefix: 'vnfpool_' });
  }

  /** Goes up only; the name ends in `_total`. */
  counter<Label extends string = never>(naming: Naming<Label>): Counter<Label> {
    if (!naming.name.endsWith('_total')) throw new RangeError(`counter ${naming.name} must end in _total`);
    return new Counter(this.#configuration(naming));
  }

  /** `collect` is asked when the metrics are read. */
  gauge<Label extends string = never>(
    naming: Naming<Label> & { readonly collect?: () => number },
  ): Gauge<Label> {
    const { collect } = naming;
    return new Gauge({
      ...this.#configuration(naming),
      ...(collect === undefined
        ? {}
        : {
            collect(this: Gauge<Label>): void {
              this.set(collect());
            },
          }),
    });
  }

  /** Mirrors counts that somebody else keeps, such as a transport's, as counters with the label `kind`. */
  mirror(naming: Omit<Naming<never>, 'labels'>, read: () => Readonly<Record<string, number>>): void {
    const counter: Counter<'kind'> = new Counter<'kind'>({
      ...this.#configuration({ ...naming, labels: ['kind'] as const }),
      collect: () => {
        counter.reset();
        for (const [kind, value] of Object.entries(read())) counter.inc({ kind }, value);
      },
    });
  }

  /** Figures that somebody else keeps, one for each set of labels; whatever `read` leaves out is not told. */
  gauges<Label extends string>(
    naming: Naming<Label> & { readonly labels: readonly Label[] },
    read: () => readonly { readonly labels: Readonly<Record<Label, string>>; readonly value: number }[],
  ): void {
    const gauge: Gauge<Label> = new Gauge({
      ...this.#configuration(naming),
      collect: () => {
        gauge.reset();
        for (const { labels, value } of read()) gauge.set(labels, value);
      },
    });
  }

  histogram<Label extends string = never>(
    naming: Naming<Label> & { readonly buckets: readonly number[] },
  ): Histogram<Label> {
    return new Histogram({ ...this.#configuration(naming), buckets: [...naming.buckets] });
  }

  /** Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #configuration<Label extends string>(
    naming: Naming<Label>,
  ): { name: string; help: string; labelNames: Label[]; registers: Registry[] } {
    const { name } = naming;
    if (!/^[a-z][a-z0-9_]*$/.test(name) || !units.some((unit) => name.endsWith(unit))) {
      throw new RangeError(`metric ${name} must end in a unit: ${units.join(' ')}`);
    }
    return {
      name: `vnfpool_${name}`,
      help: naming.help,
      labelNames: [...(naming.labels ?? [])],
      registers: [this.#registry],
    };
  }
}
