import { describe, expect, test } from 'vitest';
import { type Change, type ChangeEvent, Changes } from '../../src/restore/changes.ts';

/** Things that can be changed, and a journal of what happened to them. */
class Things {
  readonly values = new Map<string, string>();
  readonly journal: string[] = [];
  readonly changes = new Changes(async (event) => {
    this.journal.push(lineOf(event));
    await Promise.resolve();
  });

  change(setting: string, to: string, fails: { apply?: true; putBack?: true } = {}): Change {
    return {
      setting,
      from: this.values.get(setting) ?? '',
      to,
      server: '127.0.0.1:6379',
      apply: async () => {
        this.journal.push(`set ${setting}`);
        await Promise.resolve();
        if (fails.apply) throw new Error('refused');
        this.values.set(setting, to);
      },
      putBack: async (from) => {
        await Promise.resolve();
        if (fails.putBack) throw new Error('gone');
        this.values.set(setting, from);
      },
    };
  }
}

const lineOf = ({ state, setting, from, to, message }: ChangeEvent): string =>
  `${state} ${setting} ${from}->${to}${message === undefined ? '' : `: ${message}`}`;

describe('changes', () => {
  test('each is journalled before it is made, and put back in reverse order', async () => {
    const things = new Things();
    things.values.set('a', '1').set('b', '2');
    await things.changes.make(things.change('a', '10'));
    await things.changes.make(things.change('b', '20'));
    expect([...things.values]).toEqual([
      ['a', '10'],
      ['b', '20'],
    ]);
    await things.changes[Symbol.asyncDispose]();
    expect(things.journal).toEqual([
      'changing a 1->10',
      'set a',
      'changed a 1->10',
      'changing b 2->20',
      'set b',
      'changed b 2->20',
      'restored b 2->20',
      'restored a 1->10',
    ]);
    expect([...things.values]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
  });

  test('what is changed several times goes back to what it was at first, once', async () => {
    const things = new Things();
    things.values.set('a', '1');
    for (const to of ['2', '4', '8']) await things.changes.make(things.change('a', to));
    await things.changes[Symbol.asyncDispose]();
    await things.changes[Symbol.asyncDispose]();
    expect(things.values.get('a')).toBe('1');
    expect(things.journal.filter((line) => line.startsWith('restored'))).toEqual(['restored a 1->8']);
    expect(things.journal).toContain('changing a 1->4');
  });

  test('one that cannot be put back is told, and does not keep the others', async () => {
    const things = new Things();
    things.values.set('a', '1').set('b', '1').set('c', '1');
    await things.changes.make(things.change('a', '2'));
    await things.changes.make(things.change('b', '2', { putBack: true }));
    await things.changes.make(things.change('c', '2'));
    await things.changes[Symbol.asyncDispose]();
    expect(things.journal.slice(-3)).toEqual([
      'restored c 1->2',
      'not-restored b 1->2: gone',
      'restored a 1->2',
    ]);
    expect(things.changes.notRestored.map(({ setting }) => setting)).toEqual(['b']);
    expect([...things.values.values()]).toEqual(['1', '2', '1']);
  });

  test('one that failed halfway is put back too', async () => {
    const things = new Things();
    things.values.set('a', '1');
    await expect(things.changes.make(things.change('a', '2', { apply: true }))).rejects.toThrow('refused');
    await things.changes[Symbol.asyncDispose]();
    expect(things.journal).toEqual(['changing a 1->2', 'set a', 'restored a 1->2']);
  });

  test('nothing is changed that could not be journalled', async () => {
    const changes = new Changes(() => Promise.reject(new Error('disk full')));
    const things = new Things();
    things.values.set('a', '1');
    await expect(changes.make(things.change('a', '2'))).rejects.toThrow('disk full');
    await changes[Symbol.asyncDispose]();
    expect(things.values.get('a')).toBe('1');
    expect(things.journal).toEqual([]);
  });

  test('a journal that fails later keeps nothing from being put back', async () => {
    const things = new Things();
    things.values.set('a', '1').set('b', '1');
    const changes = new Changes((event) =>
      event.state === 'restored' ? Promise.reject(new Error('disk full')) : Promise.resolve(),
    );
    await changes.make(things.change('a', '2'));
    await changes.make(things.change('b', '2'));
    await changes[Symbol.asyncDispose]();
    expect([...things.values.values()]).toEqual(['1', '1']);
  });

  test('disposing waits for the change that is under way, and makes no further one', async () => {
    const things = new Things();
    things.values.set('a', '1').set('b', '1');
    const first = things.changes.make(things.change('a', '2'));
    await Promise.resolve();
    const second = things.changes.make(things.change('b', '2'));
    const disposed = things.changes[Symbol.asyncDispose]();
    await expect(second).rejects.toMatchObject({ code: 'ending' });
    await first.catch(() => {});
    await disposed;
    expect([...things.values.values()]).toEqual(['1', '1']);
    await expect(things.changes.make(things.change('b', '3'))).rejects.toMatchObject({ code: 'ending' });
  });
});
