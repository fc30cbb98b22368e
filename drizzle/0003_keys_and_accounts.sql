CREATE TABLE "former_accounts" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"stripe_customer_id" text,
	"email_digest" text,
	"deleted_at" timestamp with time zone NOT NULL,
	CONSTRAINT "former_accounts_stripe_customer_id_check" CHECK ("former_accounts"."stripe_customer_id" like 'cus_%'),
	CONSTRAINT "former_accounts_email_digest_check" CHECK ("former_accounts"."email_digest" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
ALTER TABLE "audit_log" DROP CONSTRAINT "audit_log_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "mode" text DEFAULT 'live' NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "last_used_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "session_epoch" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "trial_used" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "former_accounts_email_digest_index" ON "former_accounts" USING btree ("email_digest");--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_mode_check" CHECK ("api_keys"."mode" in ('live', 'test'));--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_session_epoch_check" CHECK ("users"."session_epoch" >= 0);