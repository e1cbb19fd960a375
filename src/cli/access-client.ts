/**
 * How `voik user` and `voik acl` reach users and ACLs: through the control socket of the broker that runs on
 * --data-dir, or, when none does, in the data folder itself under its lock. Both ways take the same commands.
 */
import { join } from "node:path";
import type { ArgsDef } from "citty";
import {
  type AdminCommand,
  type AdminInput,
  type AdminOutput,
  runAdminCommand,
} from "../access/admin-commands.ts";
import { openAccess } from "../access/open-access.ts";
import { CONTROL_SOCKET } from "../admin/control-server.ts";
import { systemClock } from "../base/clock.ts";
import { lockDataFolder } from "../base/data-folder.ts";
import { ERROR_CODES, type ErrorCode, VoikError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { configArgs } from "../config/args.ts";
import { type Flags, loadOption } from "../config/load.ts";
import { OPTIONS } from "../config/schema.ts";
import { CliError, EXIT } from "./exit.ts";
import { fileSystem } from "./log-folder.ts";

/** The argument that every one of these commands takes. */
export const dataDirArg = configArgs(["dataDir"]) satisfies ArgsDef;

type Send = (command: string, input: unknown) => Promise<unknown>;

export class AccessClient {
  private constructor(private readonly send: Send) {}

  /** Finds the data folder of --data-dir, does `work`, and lets go. Throws CliError and VoikError. */
  static async use<T>(args: Record<string, unknown>, work: (client: AccessClient) => Promise<T>): Promise<T> {
    const folder = loadOption(OPTIONS.dataDir, args as Flags, process.env);
    if (!["voik.db", "access.db", CONTROL_SOCKET].some((name) => fileSystem.exists(join(folder, name))))
      throw new CliError(EXIT.failed, `${folder} is not a data folder: give --data-dir`);
    const socket = join(folder, CONTROL_SOCKET);
    if (fileSystem.exists(socket) && (await answers(socket))) return work(new AccessClient(through(socket)));
    return inFolder(folder, (send) => work(new AccessClient(send)));
  }

  /** Runs one command of the table. Throws VoikError. */
  ask<C extends AdminCommand>(command: C, input: AdminInput<C>): Promise<AdminOutput<C>> {
    return this.send(command, input) as Promise<AdminOutput<C>>;
  }
}

/** Whether a broker listens there; a socket that a killed one left behind answers nothing. */
async function answers(socket: string): Promise<boolean> {
  try {
    await post(socket, "list-users", {});
    return true;
  } catch {
    return false;
  }
}

function through(socket: string): Send {
  return async (command, input) => {
    const response = await post(socket, command, input);
    const { output, code, message } = (await response.json()) as Record<string, unknown>;
    if (response.ok) return output;
    const known = ERROR_CODES.find((candidate) => candidate === code);
    throw new VoikError((known ?? "unsupported") as ErrorCode, String(message));
  };
}

function post(unix: string, command: string, input: unknown): Promise<Response> {
  return fetch(`http://voik/${command}`, { unix, method: "POST", body: JSON.stringify(input) });
}

async function inFolder<T>(folder: string, work: (send: Send) => Promise<T>): Promise<T> {
  const lock = lockDataFolder(folder, fileSystem, {
    inUse: "see its log for why its control socket does not answer",
    broken: "run this as the user that owns the folder",
  });
  try {
    const access = await openAccess({
      path: join(folder, "access.db"),
      fileSystem,
      clock: systemClock,
      random: systemRandom,
      rules: { enforcing: false, superUsers: new Set(), allowEveryoneIfNoAcl: false },
    });
    try {
      return await work((command, input) => runAdminCommand(access, command, input));
    } finally {
      access.close();
    }
  } finally {
    lock.release();
  }
}
