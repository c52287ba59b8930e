import { CLIENTS, Dice, EF, optimumOf, type Noise, type Surface } from './surfaces.ts';

/** Surfaces of one kind, with random parameters. */
export interface Family {
  readonly name: string;
  readonly noise: Noise;
  make(dice: Dice): Surface;
}

const usual: Noise = { relative: 0.03, recall: 0.0007 };

interface Curves {
  /** Relative throughput by clients, at the usual ef. */
  readonly rise: (clients: number) => number;
  readonly recall?: (ef: number) => number;
  readonly minRecall?: number;
  /** p99 limit, by the p99 of so many clients at the smallest ef that meets the recall. */
  readonly limitAt?: number;
  /** p99 as a multiple of the time that Little's law gives. */
  readonly tail?: (clients: number) => number;
}

/** Throughput falls with ef, latency follows from Little's law (1961): clients = QPS x time. */
function surfaceOf(dice: Dice, curves: Curves): Surface {
  const base = dice.around(500, 50_000);
  const fixed = dice.between(0.2, 2);
  const power = dice.between(0.6, 1);
  const cost = (ef: number): number => fixed + (ef / 100) ** power;
  const tail = curves.tail ?? constant(dice.between(1.5, 4));
  const recall = curves.recall ?? logistic(dice);
  const minRecall = curves.minRecall ?? 0.95;
  const qps = (ef: number, clients: number): number => (base * curves.rise(clients)) / cost(ef);
  const p99 = (ef: number, clients: number): number => ((1000 * clients) / qps(ef, clients)) * tail(clients);
  const smallest = optimumOf({ qps, p99, recall, constraints: { minRecall } }, undefined, [1])?.ef ?? EF.max;
  return {
    qps,
    p99,
    recall,
    constraints: {
      minRecall,
      ...(curves.limitAt === undefined ? {} : { maxLatencyP99: p99(smallest, curves.limitAt) }),
    },
  };
}

/** Gunther's universal scalability law: Guerrilla Capacity Planning (2007), chapter 4. */
function scalability(contention: number, coherency: number): (clients: number) => number {
  return (n) => n / (1 + contention * (n - 1) + coherency * n * (n - 1));
}

/** ln(R / (1 - R)) rises with ln ef; 0.95 is met between ef 25 and 350. */
function logistic(dice: Dice, meets = dice.around(25, 350)): (ef: number) => number {
  const steep = dice.between(1, 2);
  return (ef) => 1 / (1 + Math.exp(-Math.log(19) - steep * Math.log(ef / meets)));
}

function constant(value: number): () => number {
  return () => value;
}

/** Rises straight to n0, then bends to a flat top; `sharp` 2 is round, 8 an edge. */
function bend(n0: number, sharp: number, decline = 0): (clients: number) => number {
  return (n) =>
    (n / (1 + (n / n0) ** sharp) ** (1 / sharp)) * Math.exp(-decline * Math.max(0, Math.log(n / n0)));
}

function family(name: string, curves: (dice: Dice) => Curves, noise: Noise = usual): Family {
  return { name, noise, make: (dice) => surfaceOf(dice, curves(dice)) };
}

const peaked = (dice: Dice): ((clients: number) => number) => {
  const peak = dice.around(8, 100);
  const contention = dice.between(0.01, 0.1);
  return scalability(contention, (1 - contention) / peak ** 2);
};

export const families: readonly Family[] = [
  family('knee', (dice) => ({ rise: bend(dice.around(6, 60), dice.between(2, 8), dice.between(0, 0.15)) })),
  family('early peak', (dice) => ({ rise: scalability(dice.between(0, 0.1), 1 / dice.around(2, 8) ** 2) })),
  family('plateau', (dice) => ({ rise: scalability(dice.between(0.05, 0.5), 0) })),
  family('late feasible', (dice) => ({
    rise: peaked(dice),
    recall: logistic(dice, dice.between(300, 480)),
    // Between two numbers of clients: where one lies right on the limit, a step back is the right answer.
    limitAt: Math.floor(dice.around(10, 60)) + 0.5,
  })),
  family('infeasible', (dice) => ({ rise: peaked(dice), recall: logistic(dice, dice.around(1_000, 3_000)) })),
  family('p99 out of reach', (dice) => ({ rise: peaked(dice), limitAt: 1, tail: constant(2) })),
  family('universal', (dice) => ({ rise: peaked(dice) })),
  family('p99 at the bend', (dice) => ({ rise: peaked(dice), limitAt: dice.around(4, 120) })),
  family('p99 hockey stick', (dice) => {
    const n0 = dice.around(8, 80);
    return {
      rise: bend(n0, dice.between(2, 6)),
      limitAt: dice.around(n0 / 2, n0 * 2),
      tail: (n) => 1.5 + 3 * (n / n0) ** 2,
    };
  }),
  family('sharp low peak', (dice) => {
    const peak = Math.round(dice.between(1, 4));
    const fall = dice.between(0.6, 1.2);
    return { rise: (n) => (n <= peak ? n : peak * (peak / n) ** fall) };
  }),
  family('rises to the end', (dice) => ({ rise: bend(dice.around(200, 1_000), 3) })),
  family('falls from one', (dice) => {
    const fall = dice.between(0.1, 0.8);
    return { rise: (n) => n ** -fall };
  }),
  family('recall near the end', (dice) => ({
    rise: peaked(dice),
    recall: logistic(dice, dice.between(470, 499)),
  })),
  family('recall met at once', (dice) => ({
    rise: peaked(dice),
    recall: logistic(dice, dice.between(2, 8)),
  })),
  family('p99 met by one client', (dice) => ({ rise: bend(dice.between(0.8, 1.2), 6), limitAt: 1.5 })),
  family('cliff', (dice) => {
    const edge = dice.around(6, 150);
    const before = bend(dice.around(10, 100), 2);
    return { rise: (n) => before(n) * (n > edge ? 0.4 : 1) };
  }),
  family('steps', (dice) => {
    const width = dice.around(4, 30);
    const before = peaked(dice);
    const logit = logistic(dice);
    return {
      rise: (n) => before(Math.max(1, Math.ceil(n / width) * width)),
      recall: (ef) => logit(Math.floor(ef / 16) * 16),
    };
  }),
  family('two peaks', (dice) => {
    const first = dice.around(3, 10);
    const second = dice.around(50, 150);
    const hump = (n: number, at: number): number => Math.exp(-0.5 * (Math.log(n / at) / 0.6) ** 2);
    const ratio = dice.between(0.7, 1.3);
    return { rise: (n) => 0.5 + hump(n, first) + ratio * hump(n, second) };
  }),
  family('noise of 8 %', (dice) => ({ rise: peaked(dice), limitAt: dice.around(20, 120) }), {
    relative: 0.08,
    recall: 0.002,
  }),
  family('outliers', (dice) => ({ rise: peaked(dice), limitAt: dice.around(20, 120) }), {
    ...usual,
    outliers: 0.05,
  }),
  family('recall of another shape', (dice) => {
    const scale = dice.around(8, 80);
    const shape = dice.between(0.5, 0.9);
    return { rise: peaked(dice), recall: (ef) => 1 - Math.exp(-((ef / scale) ** shape)), minRecall: 0.9 };
  }),
].map((made) => (made.name === 'p99 out of reach' ? { ...made, make: outOfReach(made) } : made));

/** Half of what even one client takes. */
function outOfReach(made: Family): (dice: Dice) => Surface {
  return (dice) => {
    const surface = made.make(dice);
    const limit = surface.constraints.maxLatencyP99 ?? 1;
    return {
      ...surface,
      constraints: { ...surface.constraints, maxLatencyP99: limit * dice.between(0.3, 0.8) },
    };
  };
}

export const ranges = { efSearch: EF, numClients: CLIENTS } as const;
