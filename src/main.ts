/** The process's entry: hands the command line to the CLI and leaves with the code that it answers. */
import { runCli } from "./cli/run.ts";

process.exit(await runCli(process.argv.slice(2)));
