INSERT INTO dispositions (code, label, reached_carrier, answered, human_answered, machine,
    conversed, goal, dnc, scheduled_callback, unworkable, terminal) VALUES
('transferred',        'Handed to a colleague',   true,  true,  true,  false, true,  false, false, false, false, true);
