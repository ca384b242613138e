CREATE TABLE "sales" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "sales_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"request_id" "bytea" NOT NULL,
	"payer" "bytea" NOT NULL,
	"pay_to" "bytea" NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	"resource" text NOT NULL,
	"request_hash" "bytea" NOT NULL,
	"header_hash" "bytea" NOT NULL,
	"salt" "bytea" NOT NULL,
	"payment" text NOT NULL,
	"valid_before" bigint NOT NULL,
	"prepaid" boolean NOT NULL,
	"work" text NOT NULL,
	"charge" text NOT NULL,
	"reason" text,
	"answer" "bytea",
	"media_type" text,
	"receipt_id" "bytea",
	"receipt" text,
	"transaction" "bytea",
	"refund" "bytea",
	"reserved_at" bigint NOT NULL,
	"changed_at" bigint NOT NULL,
	"served_at" bigint
);
--> statement-breakpoint
ALTER TABLE "payments" ADD COLUMN "from_block" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "sales_request" ON "sales" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "sales_open" ON "sales" USING btree ("charge","work","changed_at");--> statement-breakpoint
CREATE INDEX "sales_payer" ON "sales" USING btree ("payer","reserved_at");
