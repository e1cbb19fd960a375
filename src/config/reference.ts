/** docs/configuration.md, written from the options' declarations; a test asserts that the page is current. */
import { CONFIG_FILE_ENV, CONFIG_FILE_FLAG, OPTION_LIST } from "./schema.ts";

/** The whole page as Markdown. */
export function renderConfigReference(): string {
  const rows = OPTION_LIST.map(([, option]) => {
    const cells = [
      `\`--${option.flag}\``,
      `\`${option.env}\``,
      option.defaultText ?? "none",
      option.allowed,
      option.description,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return `# Configuration

<!-- Written by \`make docs\` from src/config/schema.ts; edit that file, not this one. -->

Every option of \`voik serve\` can be given as a flag, as an environment variable or in a config file
(\`--${CONFIG_FILE_FLAG}\`, \`${CONFIG_FILE_ENV}\`). A flag wins over a variable, a variable over the file, the file over the default.
The file is TOML, or JSON when its name ends in \`.json\`; its keys are the flags' names without dashes in front:

\`\`\`toml
data-dir = "/var/lib/voik"
host = "0.0.0.0"
retention = "14d"
\`\`\`

An empty variable counts as not set. A value that is not allowed ends voik with exit code 78 and a line that names the
option, where the value came from and what is allowed. An unknown key in the file does the same; an unknown
\`VOIK_*\` variable is warned about.

| flag | variable | default | takes | what it does |
|---|---|---|---|---|
${rows.join("\n")}

Sizes: \`512\`, \`64KiB\`, \`10MB\`, \`1GiB\`. Durations: \`500ms\`, \`30s\`, \`5m\`, \`12h\`, \`7d\`.
`;
}

if (import.meta.main)
  await Bun.write(new URL("../../docs/configuration.md", import.meta.url), renderConfigReference());
