CREATE TABLE "questions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "questions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"receipt_id" "bytea" NOT NULL,
	"model_id" "bytea" NOT NULL,
	"input_hash" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "questions_receipt" ON "questions" USING btree ("receipt_id");--> statement-breakpoint
CREATE INDEX "questions_question" ON "questions" USING btree ("input_hash","model_id");