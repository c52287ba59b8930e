import { commandTable } from './commands/table.ts';
import type { CommandDefinition } from './command.ts';
import type { Client } from './client.ts';
import { Config } from './config.ts';
import { SearchCatalog } from './search/catalog.ts';
import { Stats } from './stats.ts';
import { Database } from './values/database.ts';
import type { HnswProvider } from './vector/provider.ts';
import { Reply } from './wire/reply.ts';

export interface EngineSettings {
  readonly password: string | undefined;
  readonly maxClients: number;
  readonly hnsw: HnswProvider;
}

const DATABASES = 16;

/** All state of the server, without its sockets. */
export class Engine {
  readonly password: string | undefined;
  readonly maxClients: number;
  readonly config = new Config();
  readonly stats = new Stats();
  readonly search: SearchCatalog;
  readonly databases: readonly Database[];
  readonly clients = new Map<number, Client>();
  readonly commands: ReadonlyMap<string, CommandDefinition> = commandTable;
  readonly reply = new Reply();
  readonly startedMs = Date.now();
  /** Set when we listen. */
  port = 0;
  bind = '';
  /** Asked for by SHUTDOWN. */
  shutdown: () => void = () => {};

  constructor({ password, maxClients, hnsw }: EngineSettings) {
    this.password = password;
    this.maxClients = maxClients;
    this.search = new SearchCatalog(hnsw);
    // Indexes follow database 0 alone, as in valkey-search 1.
    this.databases = Array.from(
      { length: DATABASES },
      (_, index) => new Database(index === 0 ? this.search : undefined),
    );
  }
}
