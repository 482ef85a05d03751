"""Every read of the pages, over the views, with the app's own login; one file per subject."""
