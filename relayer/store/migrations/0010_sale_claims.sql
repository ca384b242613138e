ALTER TABLE "sales" DROP COLUMN "header_hash";
