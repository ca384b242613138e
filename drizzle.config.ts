// SPDX-License-Identifier: MIT
// `drizzle-kit generate` writes the next migration from the schema; what it wrote is committed and never edited.
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./relayer/store/schema.ts",
  out: "./relayer/store/migrations",
  casing: "snake_case",
});
