// SPDX-License-Identifier: Apache-2.0
import type { Outage } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatMs } from '../model/format.ts';
import { type Bucket, chartColumns, outageBands, windowMs } from '../model/traffic-window.ts';

interface TrafficChartProps {
  readonly buckets: readonly Bucket[];
  readonly history: readonly Outage[];
  readonly failingSince: number | null;
  readonly now: number;
}

type Bands = ReturnType<typeof outageBands>;

const heightPx = 140;

/** Answered requests stand on the line, failed ones hang below it; outages are bands with their length. */
export function TrafficChart({ buckets, history, failingSince, now }: TrafficChartProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const bands = useRef<Bands>([]);
  bands.current = outageBands(history, failingSince, now);

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const plot = new uPlot(
      chartOptions(element, () => bands.current),
      chartColumns([], 0),
      element,
    );
    chart.current = plot;
    const resized = new ResizeObserver(() => {
      plot.setSize({ width: Math.max(120, element.clientWidth), height: heightPx });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setData(chartColumns(buckets, now));
  }, [buckets, now]);

  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  return (
    <>
      <p class="chart-key label" aria-hidden="true">
        <span class="key key-ok" /> answered (up) <span class="key key-failed" /> failed (down), per 100 ms
      </p>
      <div
        class="chart"
        ref={host}
        role="img"
        aria-label={`Requests per 100 ms in the last ${windowMs / 1000} seconds; ${failed} failed`}
      />
    </>
  );
}

/** Colours are read at every drawing, so that a change of theme shows with the next data. */
function chartOptions(element: HTMLElement, bands: () => Bands): uPlot.Options {
  const color = (name: string): string =>
    getComputedStyle(element).getPropertyValue(`--chart-${name}`).trim();
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const bars = uPlot.paths.bars?.({ size: [0.9, 12, 1.5] });
  const answered: uPlot.Series = {
    label: 'answered',
    stroke: () => color('ok'),
    fill: () => color('ok-soft'),
    width: 1.5,
    points: { show: false },
    ...(stepped === undefined ? {} : { paths: stepped }),
  };
  const failed: uPlot.Series = {
    label: 'failed',
    stroke: () => color('failed'),
    fill: () => color('failed'),
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  };
  const axis = { stroke: () => color('ink'), font: '11px system-ui, sans-serif', ticks: { show: false } };
  const grid = { stroke: () => color('grid'), width: 1 };
  return {
    width: Math.max(120, element.clientWidth),
    height: heightPx,
    padding: [8, 16, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { time: false, range: () => [-windowMs / 1000, 0] },
      y: { range: (_plot, low, high) => [Math.min(low ?? 0, -2), Math.max(high ?? 0, 5) * 1.25] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 24,
        space: 60,
        values: (_plot, ticks) => ticks.map(secondsLabel),
      },
      {
        ...axis,
        grid,
        size: 34,
        space: 30,
        values: (_plot, ticks) => ticks.map((tick) => String(Math.abs(tick))),
      },
    ],
    series: [{}, answered, failed],
    hooks: {
      drawClear: [(plot) => drawBands(plot, bands(), color('band'), color('failed'))],
    },
  };
}

function secondsLabel(tick: number): string {
  return tick === 0 ? 'now' : `−${Math.abs(tick)} s`;
}

/** Short outages get a width that can be seen; the number beside says the truth. */
function drawBands(plot: uPlot, bands: Bands, fill: string, ink: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  for (const band of bands) {
    const from = plot.valToPos(band.from, 'x', true);
    const width = Math.max(2 * ratio, plot.valToPos(band.to, 'x', true) - from);
    ctx.fillStyle = fill;
    ctx.fillRect(from, bbox.top, width, bbox.height);
    ctx.fillStyle = ink;
    const label = formatMs(Math.round(band.ms));
    const roomRight = bbox.left + bbox.width - (from + width) > ctx.measureText(label).width + 8 * ratio;
    ctx.textAlign = roomRight ? 'left' : 'right';
    ctx.fillText(label, roomRight ? from + width + 4 * ratio : from - 4 * ratio, bbox.top + 2 * ratio);
  }
  ctx.restore();
}
