-- What else Hugging Face's trending lists say about a paper: a sentence that Hugging Face generated from the abstract,
-- and the URL of an image. NULL until the list is next fetched; messages show them with the next edit for votes or code.
ALTER TABLE trending_entries ADD COLUMN ai_summary TEXT;
ALTER TABLE trending_entries ADD COLUMN thumbnail_url TEXT;
