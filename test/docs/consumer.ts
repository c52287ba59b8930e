import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a strict user compiles with; types of our dependencies are checked too. */
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    rootDir: '.',
    outDir: 'out',
  },
  include: ['*.ts'],
};

export interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A TypeScript project of somebody else's, with the packed package in its node_modules, and nothing of the sources. */
export class Consumer implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'stagewatch-consumer-'));

  /** The package as `npm pack` makes it; what it depends on is linked, since it is installed here already. */
  static async make(): Promise<Consumer> {
    const consumer = new Consumer();
    const modules = join(consumer.path, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(root, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    // Without scripts: dist/ is built, and building it again would pull it away from under the other tests.
    const pack = ['pack', '--ignore-scripts', '--pack-destination', consumer.path];
    await execa('npm', pack, { cwd: root });
    const [tarball] = readdirSync(consumer.path).filter((name) => name.endsWith('.tgz'));
    await execa('tar', ['-xzf', tarball!], { cwd: consumer.path });
    rmSync(join(modules, 'stagewatch'), { force: true, recursive: true });
    cpSync(join(consumer.path, 'package'), join(modules, 'stagewatch'), { recursive: true });
    writeFileSync(join(consumer.path, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }));
    writeFileSync(join(consumer.path, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    return consumer;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  /** @returns what tsc complains about; empty when it does not. */
  async compile(): Promise<string> {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await execa(process.execPath, [tsc, '-p', '.'], { cwd: this.path, reject: false });
    return stdout;
  }

  /** Runs node with these words. */
  async run(words: readonly string[]): Promise<Ran> {
    // Benchmarks of this machine must not be found: what is said must hold with the package alone.
    const env = { PATH: '/nowhere', VALKEY_BENCHMARK_BIN: '', VALKEYCLI_AUTH: '', REDISCLI_AUTH: '' };
    const options = { cwd: this.path, reject: false, env, timeout: 170_000 } as const;
    const { exitCode, stdout, stderr } = await execa(process.execPath, words, options);
    return { exitCode, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The fenced blocks of one language in a page, in order. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, block]) => block!,
  );
}
