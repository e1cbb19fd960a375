/**
 * The control socket: a UNIX socket in the data folder, 0600, where the command line asks for users and ACLs. Whoever
 * may write the data folder is the administrator, so nobody else has to be let in and nothing is asked for.
 *
 *   POST /<command>  {input}   ->  200 {"output": …}   or  400 {"code": …, "message": …}
 */
import type { Access } from "../access/access.ts";
import { runAdminCommand } from "../access/admin-commands.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";

export interface ControlOptions {
  /** Of the socket; one that is left over is replaced, so the folder has to be locked. */
  path: string;
  access: Access;
  fileSystem: FileSystem;
  logger: Logger;
}

export const CONTROL_SOCKET = "control.sock";
const REQUEST_BYTES_MAX = 1024 * 1024;
const OWNER_ONLY = 0o177;

/** Starts listening. Throws the system's error, on a file system without sockets for one. */
export function startControlServer({ path, access, fileSystem, logger }: ControlOptions): { stop(): void } {
  if (fileSystem.exists(path)) fileSystem.remove(path);
  // The mode has to be right from the first moment on: not a second for somebody else to connect.
  const mask = process.umask(OWNER_ONLY);
  try {
    const server = Bun.serve({
      unix: path,
      maxRequestBodySize: REQUEST_BYTES_MAX,
      development: false,
      async fetch(request) {
        try {
          const command = new URL(request.url).pathname.slice(1);
          const output = await runAdminCommand(access, command, await request.json());
          return Response.json({ output });
        } catch (error) {
          return refusal(error, logger);
        }
      },
    });
    return {
      stop() {
        void server.stop(true);
        if (fileSystem.exists(path)) fileSystem.remove(path);
      },
    };
  } finally {
    process.umask(mask);
  }
}

function refusal(error: unknown, logger: Logger): Response {
  if (error instanceof VoikError)
    return Response.json({ code: error.code, message: error.message }, { status: 400 });
  // What was sent is no JSON, or voik has a bug.
  const message =
    error instanceof SyntaxError ? "the request is no JSON" : "voik failed to answer: see its log";
  if (!(error instanceof SyntaxError)) logger.error("control request broke", { error: String(error) });
  return Response.json({ code: "argument_invalid", message }, { status: 400 });
}
