import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import { normalCdf, normalPdf } from '../stats/normal.ts';
import { measuredPoints, modelOf, SURE, type Campaign } from './campaign.ts';
import { configKey } from './config-key.ts';
import type { Best, SearchEvent } from './contract.ts';
import { keeps } from './limits.ts';
import type { Model } from './model.ts';
import { summarise } from './summary.ts';

const FINALISTS = 3;
const WORTH_A_RUN = 0.003;

export async function* confirm(campaign: Campaign): AsyncGenerator<SearchEvent, Best | null, void> {
  const { lab, repeats } = campaign;
  const fresh = new Map<string, BenchmarkResult[]>();
  const freshOf = (config: BenchmarkConfig): BenchmarkResult[] => fresh.get(configKey(config)) ?? [];
  const out = new Set<string>();
  while (lab.end === null) {
    const model = modelOf(campaign);
    if (model === null) return null;
    const contenders = rank(campaign, model).filter((config) => !out.has(configKey(config)));
    const leader = contenders[0];
    if (leader === undefined) return null;
    if (freshOf(leader).length >= repeats) {
      const best = summarise(leader, freshOf(leader));
      if (keeps(best.result, campaign.constraints)) return best;
      out.add(configKey(leader));
      continue;
    }
    const round = contenders
      .slice(0, FINALISTS)
      .filter((config, i) => i === 0 || gain(model, config, leader) > WORTH_A_RUN);
    // The one with the fewest fresh runs is next: that interleaves them.
    const next = round.reduce((least, config) =>
      freshOf(config).length < freshOf(least).length ? config : least,
    );
    const result = yield* lab.run(next, 'confirm');
    if (result !== null) fresh.set(configKey(next), [...freshOf(next), result]);
    else out.add(configKey(next));
  }
  return null;
}

function rank(campaign: Campaign, model: Model): BenchmarkConfig[] {
  return measuredPoints(campaign)
    .map((config) => ({ config, view: model.at(config) }))
    .filter(({ view }) => view.holds >= SURE)
    .toSorted((a, b) => b.view.lnQps - a.view.lnQps)
    .map(({ config }) => config);
}

function gain(model: Model, config: BenchmarkConfig, leader: BenchmarkConfig): number {
  const a = model.at(config);
  const b = model.at(leader);
  const sd = Math.hypot(a.sd, b.sd);
  const z = (a.lnQps - b.lnQps) / sd;
  return sd * (z * normalCdf(z) + normalPdf(z));
}
