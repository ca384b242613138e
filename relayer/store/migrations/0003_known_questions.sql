-- Receipts with a proof that came before there was a table for what they are about. The numbers are those of the leaves
-- document: 94 bytes of header, 213 a leaf, the model at 32 and the input at 64.
INSERT INTO "questions" ("receipt_id", "model_id", "input_hash")
SELECT i."receipt_id", substring(b."document" from 127 + 213 * i."position" for 32), substring(b."document" from 159 + 213 * i."position" for 32)
FROM "receipt_index" AS i JOIN "batches" AS b ON b."id" = i."batch_id" WHERE b."proved" ON CONFLICT DO NOTHING;--> statement-breakpoint
INSERT INTO "questions" ("receipt_id", "model_id", "input_hash")
SELECT "receipt_id", "model_id", substring("leaf" from 65 for 32) FROM "singles" WHERE "evidence" IS NOT NULL ON CONFLICT DO NOTHING;
